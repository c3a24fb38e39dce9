-- Duplicates of the last 31 days: registers with more than one sample at one timestamp, delivered twice or in conflict
--
-- Delivery is at least once (MQTT with QoS 1, Firehose), so a sample can lie in the table twice: kind is then "same". Where
-- the copies differ in value, text or success it is "conflicting": a gateway sent two readings with one timestamp, which no
-- delivery does. Times are UTC.
-- Scans the days from 31 days ago on, 9 of the columns. To read less: name a factory, or take fewer days (both lines).
SELECT
    factory,
    min(device_name) AS device_name,
    min(tag_name) AS tag_name,
    register_id,
    ts,
    count(*) AS copies,
    CASE
        WHEN count(value) IN (0, count(*))
            AND count(value_text) IN (0, count(*))
            AND count_if(success) IN (0, count(*))
            AND min(value) IS NOT DISTINCT FROM max(value)
            AND min(value_text) IS NOT DISTINCT FROM max(value_text)
            THEN 'same'
        ELSE 'conflicting'
    END AS kind,
    min(received_at) AS first_received_at,
    max(received_at) AS last_received_at
FROM measurements
WHERE factory LIKE '%' -- or one factory: 'krakow'
    AND year >= year(CAST(date_add('day', -31, current_date) AS date)) -- days back
    AND CAST(date_add('day', day - 1, date_add('month', 12 * (year - 1970) + month - 1, DATE '1970-01-01')) AS date)
        >= CAST(date_add('day', -31, current_date) AS date) -- the same days back
GROUP BY factory, register_id, ts
HAVING count(*) > 1
ORDER BY factory, ts, register_id
