-- Gateways that flapped in the last 7 days: client IDs that connected more than 5 times in an hour, and why they had to
--
-- The reasons are those of the connections that ended in the hour. duplicates (DUPLICATE_CLIENTID) tells of two devices with
-- one client ID, which evict each other; client_errors and refused of settings that AWS IoT does not allow; lost and silent
-- (MQTT_KEEP_ALIVE_TIMEOUT) of the network. An event that was delivered twice counts once. Times are UTC.
-- Scans the days from 7 days ago on, 8 of the columns. To read less: name a factory, or take fewer days (both lines).
SELECT
    gateway,
    lane,
    hour,
    count_if(event = 'connected') AS connections,
    count_if(reason = 'DUPLICATE_CLIENTID') AS duplicates,
    count_if(reason = 'CLIENT_ERROR') AS client_errors,
    count_if(reason IN ('AUTH_ERROR', 'FORBIDDEN_ACCESS')) AS refused,
    count_if(reason = 'CONNECTION_LOST') AS lost,
    count_if(reason = 'MQTT_KEEP_ALIVE_TIMEOUT') AS silent,
    count_if(reason = 'CLIENT_INITIATED_DISCONNECT') AS by_the_client,
    factory,
    client_id
FROM (
    SELECT DISTINCT
        factory,
        client_id,
        gateway,
        lane,
        session,
        version,
        event,
        reason,
        date_trunc('hour', ts) AS hour
    FROM connections
    WHERE factory LIKE '%' -- or one factory: 'krakow'
        AND year >= year(CAST(date_add('day', -7, current_date) AS date)) -- days back
        AND CAST(date_add('day', day - 1, date_add('month', 12 * (year - 1970) + month - 1, DATE '1970-01-01')) AS date)
            >= CAST(date_add('day', -7, current_date) AS date) -- the same days back
)
GROUP BY factory, client_id, gateway, lane, hour
HAVING count_if(event = 'connected') > 5 -- connections in an hour
ORDER BY factory, gateway, lane, hour
