-- Samples of each factory on each of the last 31 days (UTC): how many, how many of them distinct, bad or without a value
--
-- The day is that of the sample's own time, ts: a sample that arrives late counts on the day that it was taken. A sample is
-- one register at one ts; samples counts every row, distinct_samples each sample once, and the difference was delivered more
-- than once. A day without samples has no row.
-- Scans the days from 31 days ago on, 5 of the columns. To read less: name a factory, or take fewer days (both lines).
SELECT
    factory,
    CAST(date_add('day', day - 1, date_add('month', 12 * (year - 1970) + month - 1, DATE '1970-01-01')) AS date) AS utc_day,
    sum(copies) AS samples,
    count(*) AS distinct_samples,
    sum(bad_copies) AS bad_samples,
    sum(copies_without_value) AS samples_without_value,
    count(DISTINCT register_id) AS registers,
    min(ts) AS first_ts,
    max(ts) AS last_ts
FROM (
    SELECT
        factory,
        year,
        month,
        day,
        register_id,
        ts,
        count(*) AS copies,
        count_if(NOT success) AS bad_copies,
        count_if(value IS NULL AND value_text IS NULL) AS copies_without_value
    FROM measurements
    WHERE factory LIKE '%' -- or one factory: 'krakow'
        AND tag_name NOT LIKE '\_canary%' ESCAPE '\'
        AND year >= year(CAST(date_add('day', -31, current_date) AS date)) -- days back
        AND CAST(date_add('day', day - 1, date_add('month', 12 * (year - 1970) + month - 1, DATE '1970-01-01')) AS date)
            >= CAST(date_add('day', -31, current_date) AS date) -- the same days back
    GROUP BY factory, year, month, day, register_id, ts
)
GROUP BY factory, year, month, day
ORDER BY factory, utc_day
