-- Stale or bad samples of the last 7 days: every sample with success = false, newest first
--
-- A bad sample has the value that the gateway sent with it, or none; do not calculate with it. One that was delivered more
-- than once is listed once, with the number of its copies. Times are UTC.
-- Scans the days from 7 days ago on, all columns but attributes. To read less: name a factory, or take fewer days (both lines).
SELECT
    device_name,
    tag_name,
    ts,
    value,
    value_text,
    min(received_at) AS received_at,
    count(*) AS copies,
    datatype,
    description,
    factory,
    gateway,
    device_id,
    register_id
FROM measurements
WHERE success = false
    AND factory LIKE '%' -- or one factory: 'krakow'
    AND tag_name NOT LIKE '\_canary%' ESCAPE '\'
    AND year >= year(CAST(date_add('day', -7, current_date) AS date)) -- days back
    AND CAST(date_add('day', day - 1, date_add('month', 12 * (year - 1970) + month - 1, DATE '1970-01-01')) AS date)
        >= CAST(date_add('day', -7, current_date) AS date) -- the same days back
GROUP BY
    factory, gateway, device_id, device_name, register_id, tag_name, datatype, description, ts, value, value_text
ORDER BY ts DESC, factory, device_name, tag_name, device_id, register_id, gateway
