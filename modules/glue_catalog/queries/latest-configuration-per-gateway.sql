-- Latest configuration message of every gateway
--
-- message is what the gateway sent, without the two keys that the lake adds. Messages that name no gateway (put on the stream
-- by other means than the topic rule) share one row per factory, with gateway NULL. Of messages of one millisecond, the one
-- whose text sorts last is the last, as in configuration_in_force. Times are UTC.
-- Scans every configuration message of the factories asked for: a gateway's last one may be old. To read less: name a
-- factory, or add a range of arrival such as AND year = 2026 AND month >= 3.
SELECT
    factory,
    gateway,
    received_at,
    message
FROM (
    SELECT
        factory,
        gateway,
        received_at,
        message,
        row_number() OVER (PARTITION BY factory, gateway ORDER BY received_at DESC NULLS LAST, message DESC) AS place
    FROM (
        SELECT
            factory,
            gateway,
            CASE
                WHEN regexp_like(received_at_ms, '^[0-9]{1,15}$')
                    THEN CAST(from_unixtime(CAST(received_at_ms AS bigint) / 1e3) AS timestamp)
            END AS received_at,
            regexp_replace(line, ',?"_received_at":[0-9]+(,"_gateway":"[^"]*")?[}]$', '}') AS message
        FROM configuration
        WHERE factory LIKE '%' -- or one factory: 'krakow'
            AND line NOT LIKE '{"\_canary"%' ESCAPE '\'
    )
)
WHERE place = 1
ORDER BY factory, gateway
