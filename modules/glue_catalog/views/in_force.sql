-- Which configuration was in force when: each gateway's messages as intervals
--
-- The order is that of arrival at the broker; of messages of one millisecond, the one whose text sorts last is in force. A
-- message that repeats the gateway's last one, delivered or sent again, opens no interval. valid_from is included, valid_until
-- is not, and is NULL while the message is in force. One that was replaced within its millisecond has an interval of no length.
-- changed is false for the first message that is known of a gateway, and true for each that differs from the one before it.
-- Each message is taken for a whole configuration. A condition on factory excludes the other factories' objects; one on time
-- excludes none, since what was in force on a day may have arrived years before.
-- The messages of `factory-lake canary` are no configuration.
-- Terraform fills in the table.
SELECT
    factory,
    gateway,
    valid_from,
    lead(valid_from) OVER (PARTITION BY factory, gateway ORDER BY valid_from, message) AS valid_until,
    line,
    before IS NOT NULL AS changed
FROM (
    SELECT
        factory,
        gateway,
        valid_from,
        line,
        message,
        lag(message) OVER (PARTITION BY factory, gateway ORDER BY valid_from, message) AS before
    FROM (
        SELECT DISTINCT
            factory,
            gateway,
            CAST(from_unixtime(CAST(received_at_ms AS bigint) / 1e3) AS timestamp) AS valid_from,
            line,
            regexp_replace(line, ',?"_received_at":[0-9]+(,"_gateway":"[^"]*")?[}]$', '}') AS message
        FROM ${table}
        WHERE regexp_like(received_at_ms, '^[0-9]{1,15}$')
            AND line NOT LIKE '{"\_canary"%' ESCAPE '\'
    )
)
WHERE message IS DISTINCT FROM before
