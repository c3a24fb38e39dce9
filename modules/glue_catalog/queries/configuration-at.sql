-- Configuration as of a moment: the message of every gateway that was in force then, and since when
--
-- message is what the gateway sent, without the two keys that the lake adds. The last message that arrived until the moment
-- is in force; of messages of one millisecond, the one whose text sorts last. Times are UTC. Edit the moment, on two
-- lines; unless you do, it is the end of today. valid_from is the arrival of the first of equal messages that follow each other.
-- Scans every configuration message of the factories asked for up to the moment's year: a gateway's last one may be old. To
-- read less: name a factory, or add a range of arrival such as AND year >= 2026.
SELECT
    factory,
    gateway,
    valid_from,
    message
FROM (
    SELECT
        factory,
        gateway,
        received_at AS valid_from,
        message,
        row_number() OVER (PARTITION BY factory, gateway ORDER BY received_at DESC, message DESC) AS place
    FROM (
        SELECT
            factory,
            gateway,
            received_at,
            message,
            lag(message) OVER (PARTITION BY factory, gateway ORDER BY received_at, message) AS before
        FROM (
            SELECT DISTINCT
                factory,
                gateway,
                CAST(from_unixtime(CAST(received_at_ms AS bigint) / 1e3) AS timestamp) AS received_at,
                regexp_replace(line, ',?"_received_at":[0-9]+(,"_gateway":"[^"]*")?[}]$', '}') AS message
            FROM configuration
            WHERE regexp_like(received_at_ms, '^[0-9]{1,15}$')
                AND factory LIKE '%' -- or one factory: 'krakow'
                AND line NOT LIKE '{"\_canary"%' ESCAPE '\'
                -- Or a moment on both lines: TIMESTAMP '2026-03-09 10:00:00'.
                AND year <= year(CAST(date_add('day', 1, current_date) AS timestamp))
                AND CAST(from_unixtime(CAST(received_at_ms AS bigint) / 1e3) AS timestamp)
                    <= CAST(date_add('day', 1, current_date) AS timestamp)
        )
    )
    WHERE message IS DISTINCT FROM before
)
WHERE place = 1
ORDER BY factory, gateway
