-- Configuration history: every configuration message of a factory's gateways in the order of arrival (all factories, until one is named)
--
-- message is what the gateway sent, without the two keys that the lake adds; changed tells whether it differs from the
-- gateway's message before it. A message that Firehose delivered twice is listed once; one that the gateway sent twice is
-- listed twice, the second time unchanged. The configuration as of a moment is each gateway's last message until then. Times
-- are UTC.
-- Scans every configuration message of the factories asked for. To read less: name a factory, or add a range of arrival such
-- as AND year = 2026 AND month >= 3.
SELECT
    factory,
    gateway,
    received_at,
    message IS DISTINCT FROM lag(message) OVER (PARTITION BY factory, gateway ORDER BY received_at, message) AS changed,
    message
FROM (
    SELECT DISTINCT
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
ORDER BY factory, gateway, received_at, message
