-- Duplicates of the last 31 days: registers with more than one sample at one timestamp, delivered twice or in conflict
--
-- Delivery is at least once (MQTT with QoS 1, Firehose), so a message can lie in the table twice: in copies that differ in
-- nothing but their arrival. kind is "same" where all copies are of one message. Where they differ in anything else it is
-- "conflicting": a gateway sent several readings with one timestamp, which no delivery does; messages tells how many. The view
-- measurements_distinct has as many rows, so copies - messages is what repeats added. Times are UTC.
-- Scans the days from 31 days ago on, all columns. To read less: name a factory, or take fewer days (both lines).
SELECT
    min(device_name) AS device_name,
    min(tag_name) AS tag_name,
    ts,
    CASE WHEN count(*) = 1 THEN 'same' ELSE 'conflicting' END AS kind,
    sum(copies) AS copies,
    count(*) AS messages,
    min(first_received_at) AS first_received_at,
    max(last_received_at) AS last_received_at,
    factory,
    register_id
FROM (
    SELECT
        factory,
        device_name,
        tag_name,
        register_id,
        ts,
        count(*) AS copies,
        min(received_at) AS first_received_at,
        max(received_at) AS last_received_at
    FROM measurements
    WHERE factory LIKE '%' -- or one factory: 'krakow'
        AND tag_name NOT LIKE '\_canary%' ESCAPE '\'
        AND year >= year(CAST(date_add('day', -31, current_date) AS date)) -- days back
        AND CAST(date_add('day', day - 1, date_add('month', 12 * (year - 1970) + month - 1, DATE '1970-01-01')) AS date)
            >= CAST(date_add('day', -31, current_date) AS date) -- the same days back
    GROUP BY
        device_id, device_name, register_id, tag_name, datatype, description, ts, success, value, value_text, attributes,
        gateway, factory, year, month, day
)
GROUP BY factory, register_id, ts
HAVING sum(copies) > 1
ORDER BY factory, ts, register_id
