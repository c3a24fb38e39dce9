-- Clips of a moment: of each camera the clip or gap that has it, or the last one before (the last midnight, until a moment is filled in)
--
-- covers tells whether the clip or gap has the moment; where it is false, the camera had sent nothing since ended_at, or nothing
-- that is archived. offset_seconds is where in the clip's file the moment is. All times are those of arrival at AWS, in UTC; by
-- the camera's own clock a clip begins at producer_started_at. key is what factory-lake camera frames takes.
-- Scans the days from yesterday on: a clip or gap lies under the day that it begins on. For an older moment, take more days back
-- (both lines), or put the moment's day and the one before it in their place: AND year = 2026 AND month = 3 AND day IN (8, 9).
SELECT
    factory,
    camera,
    kind,
    moment < ended_at AS covers,
    CASE WHEN kind = 'clip' AND moment < ended_at THEN date_diff('millisecond', started_at, moment) / 1e3 END AS offset_seconds,
    started_at,
    ended_at,
    producer_started_at,
    flags,
    lost_ms,
    key
FROM (
    SELECT
        *,
        row_number() OVER (PARTITION BY factory, camera ORDER BY started_at DESC, ended_at DESC, key) AS place
    FROM (
        SELECT
            *,
            CAST(current_date AS timestamp) AS moment -- the moment: TIMESTAMP '2026-03-09 08:00:00'
        FROM clips
        WHERE factory LIKE '%' -- or one factory: 'krakow'
            AND camera <> 'canary'
            AND year >= year(CAST(date_add('day', -1, current_date) AS date)) -- days back
            AND CAST(date_add('day', day - 1, date_add('month', 12 * (year - 1970) + month - 1, DATE '1970-01-01')) AS date)
                >= CAST(date_add('day', -1, current_date) AS date) -- the same days back
    )
    WHERE started_at <= moment
)
WHERE place = 1
ORDER BY factory, camera
