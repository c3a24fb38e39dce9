-- Latest value of every tag in the last 31 days: its newest good sample, and whether a newer one was bad
--
-- A tag is a name within a device of a factory. A good sample has success = true and a value; a tag without one shows its
-- newest sample instead. Of samples with the same ts the one that was received last counts, so a sample that was delivered
-- twice counts once. value holds numbers (booleans as 0 and 1), value_text holds texts. Times are UTC.
-- Scans the days from 31 days ago on, all columns but description and attributes. To read less: name a factory, or
-- take fewer days (both lines).
SELECT
    device_name,
    tag_name,
    value,
    value_text,
    ts,
    success,
    newest_ts AS newest_sample_ts,
    received_at,
    datatype,
    factory,
    gateway,
    device_id,
    register_id
FROM (
    SELECT
        factory,
        device_id,
        device_name,
        register_id,
        tag_name,
        datatype,
        ts,
        success,
        value,
        value_text,
        received_at,
        gateway,
        max(ts) OVER (PARTITION BY factory, device_id, tag_name) AS newest_ts,
        row_number() OVER (
            PARTITION BY factory, device_id, tag_name
            ORDER BY
                CASE WHEN success AND (value IS NOT NULL OR value_text IS NOT NULL) THEN 0 ELSE 1 END,
                ts DESC,
                received_at DESC NULLS LAST,
                register_id,
                gateway,
                success DESC,
                value,
                value_text
        ) AS place
    FROM measurements
    WHERE factory LIKE '%' -- or one factory: 'krakow'
        AND tag_name NOT LIKE '\_canary%' ESCAPE '\'
        AND year >= year(CAST(date_add('day', -31, current_date) AS date)) -- days back
        AND CAST(date_add('day', day - 1, date_add('month', 12 * (year - 1970) + month - 1, DATE '1970-01-01')) AS date)
            >= CAST(date_add('day', -31, current_date) AS date) -- the same days back
)
WHERE place = 1
ORDER BY factory, device_name, tag_name, device_id
