-- Connections of every gateway in the last 31 days: when each began and ended, and why it ended
--
-- A gateway has two client IDs, one a lane. connected_at is NULL where the connection began before these days, and
-- disconnected_at where it goes on; an event that AWS IoT has not delivered leaves the same gap. Of a connection that a new
-- one replaced the end may lie after the new one's beginning, by a moment. reason is AWS IoT's, such as CONNECTION_LOST,
-- MQTT_KEEP_ALIVE_TIMEOUT or DUPLICATE_CLIENTID. An event that was delivered twice counts once. Times are UTC.
-- Scans the days from 31 days ago on, all columns but client_initiated. To read less: name a factory, or take fewer days
-- (both lines).
SELECT
    gateway,
    lane,
    connected_at,
    disconnected_at,
    reason,
    round(date_diff('second', connected_at, disconnected_at) / 6e1, 1) AS minutes,
    ip_address,
    factory,
    client_id
FROM (
    SELECT
        factory,
        client_id,
        session,
        version,
        min(gateway) AS gateway,
        min(lane) AS lane,
        min(ts) FILTER (WHERE event = 'connected') AS connected_at,
        min(ts) FILTER (WHERE event = 'disconnected') AS disconnected_at,
        min(reason) AS reason,
        min(ip_address) AS ip_address,
        min(ts) AS first_ts
    FROM connections
    WHERE factory LIKE '%' -- or one factory: 'krakow'
        AND year >= year(CAST(date_add('day', -31, current_date) AS date)) -- days back
        AND CAST(date_add('day', day - 1, date_add('month', 12 * (year - 1970) + month - 1, DATE '1970-01-01')) AS date)
            >= CAST(date_add('day', -31, current_date) AS date) -- the same days back
    GROUP BY factory, client_id, session, version
)
ORDER BY factory, gateway, lane, first_ts, version, session
