-- Late arrivals of the last 7 days: samples that reached the broker more than an hour after they were taken
--
-- Late is what first arrived late: a sample of which an earlier copy came in time (within the same 7 days) is not listed. A
-- clock that runs ahead makes a negative delay and is not late. Times are UTC.
-- Scans the days from 407 days ago on, 7 of the columns: a sample lies under the day that it was taken on, and the transform
-- takes samples up to 400 days old. To read less: name a factory, or reach less far back (both lines).
SELECT
    device_name,
    tag_name,
    round(date_diff('millisecond', ts, min(received_at)) / 36e5, 2) AS delay_hours,
    ts,
    min(received_at) AS received_at,
    count(*) AS copies,
    factory,
    min_by(gateway, received_at) FILTER (WHERE gateway IS NOT NULL) AS gateway,
    register_id
FROM measurements
WHERE received_at >= date_add('day', -7, CAST(current_timestamp AS timestamp)) -- arrived in these days
    AND factory LIKE '%' -- or one factory: 'krakow'
    AND tag_name NOT LIKE '\_canary%' ESCAPE '\'
    AND year >= year(CAST(date_add('day', -407, current_date) AS date)) -- taken at most so many days ago
    AND CAST(date_add('day', day - 1, date_add('month', 12 * (year - 1970) + month - 1, DATE '1970-01-01')) AS date)
        >= CAST(date_add('day', -407, current_date) AS date) -- the same days
GROUP BY factory, device_name, tag_name, register_id, ts
HAVING date_diff('millisecond', ts, min(received_at)) > 3600000 -- an hour
ORDER BY delay_hours DESC, factory, device_name, tag_name, ts, register_id
