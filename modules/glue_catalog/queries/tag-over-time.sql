-- One tag over time: its values by the hour in the last 7 days (every tag, until a name is filled in)
--
-- minimum, average and maximum are those of the good samples (success = true) with a number; a boolean counts as 0 or 1, so
-- that its average is the share of ones among the samples. last_value and last_text are the newest good ones in the hour.
-- A sample that was delivered twice counts once: of a tag's samples with the same ts, the one received last. Times are UTC;
-- for local hours, group by CAST(date_trunc('hour', ts AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/Warsaw') AS timestamp).
-- Scans the days from 7 days ago on, 9 of the columns. To read less: name a factory, or take fewer days (both lines).
SELECT
    max_by(device_name, ts) FILTER (WHERE device_name IS NOT NULL) AS device_name,
    tag_name,
    date_trunc('hour', ts) AS hour,
    avg(value) FILTER (WHERE success) AS average,
    min(value) FILTER (WHERE success) AS minimum,
    max(value) FILTER (WHERE success) AS maximum,
    max_by(value, ts) FILTER (WHERE success AND value IS NOT NULL) AS last_value,
    max_by(value_text, ts) FILTER (WHERE success AND value_text IS NOT NULL) AS last_text,
    count(*) AS samples,
    count_if(NOT success) AS bad_samples,
    factory,
    device_id
FROM (
    SELECT
        factory,
        device_id,
        device_name,
        tag_name,
        ts,
        success,
        value,
        value_text,
        row_number() OVER (
            PARTITION BY factory, device_id, tag_name, ts
            ORDER BY received_at DESC NULLS LAST, success DESC, value, value_text
        ) AS copy
    FROM measurements
    WHERE tag_name LIKE '%' -- the tag: 'spindle_speed'
        AND factory LIKE '%' -- or one factory: 'krakow'
        AND tag_name NOT LIKE '\_canary%' ESCAPE '\'
        AND year >= year(CAST(date_add('day', -7, current_date) AS date)) -- days back
        AND CAST(date_add('day', day - 1, date_add('month', 12 * (year - 1970) + month - 1, DATE '1970-01-01')) AS date)
            >= CAST(date_add('day', -7, current_date) AS date) -- the same days back
)
WHERE copy = 1
GROUP BY factory, device_id, tag_name, date_trunc('hour', ts)
ORDER BY factory, device_name, tag_name, hour, device_id
