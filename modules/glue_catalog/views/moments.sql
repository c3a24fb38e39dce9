-- What the cameras saw when a sample was taken: of each camera the clip and the place in it, or the gap there
--
-- A row for each sample and each camera of its factory that has a clip or a gap record from the day before the sample to the
-- day after; of a factory without such a camera one row, whose camera is NULL. clip_key names the clip that has ts, by the
-- camera's own clock (by arrival where the clip does not say), and offset_ms is the place in it. Where none has it, gap_key
-- and gap_reason name the record of lost footage that does, by arrival. All of these are NULL where the camera was silent, or
-- its footage is not archived yet. Of two clips that both have ts, such as of a camera whose clock was set back, the one that
-- begins later counts. Of a loss that goes on for days, its first day and the one after are told.
-- Samples and footage are joined by factory, date, year, month and day, so a condition on one of these is one on both: Athena
-- reads these days of the samples, and of the clips also the day before and the day after. One on an expression of several of
-- them is one on the samples alone.
-- What the canary filmed is no camera's of the plant.
-- Terraform fills in the view of samples and its columns, the table of clips, and the day of a partition.
SELECT
    ${columns},
    camera,
    CASE WHEN is_in_clip THEN clip_key END AS clip_key,
    CASE WHEN is_in_clip THEN date_diff('millisecond', clip_from, ts) END AS offset_ms,
    CASE WHEN is_in_clip THEN date_diff('millisecond', clip_from, ts) / 1e3 END AS offset_seconds,
    CASE WHEN is_in_gap AND NOT is_in_clip THEN gap_key END AS gap_key,
    CASE WHEN is_in_gap AND NOT is_in_clip THEN gap_reason END AS gap_reason,
    ${keys}
FROM (
    SELECT
        samples.*,
        footage.camera,
        footage.clip_key,
        footage.clip_from,
        footage.gap_key,
        footage.gap_reason,
        coalesce(samples.ts >= footage.starts_at AND samples.ts < footage.clip_until, false) AS is_in_clip,
        coalesce(samples.ts >= footage.starts_at AND samples.ts < footage.gap_until, false) AS is_in_gap
    FROM ${samples} AS samples
    LEFT JOIN (
        -- Once for each minute that a span touches: what is joined by equality is found without trying every clip.
        SELECT
            spans.*,
            minutes.minute
        FROM (
            -- The time of each camera and date, cut where a clip or a loss begins, with the last clip and the last loss that
            -- began by then. The first span begins with the day.
            SELECT
                factory,
                camera,
                date,
                CAST(year(date) AS integer) AS year,
                CAST(month(date) AS integer) AS month,
                CAST(day(date) AS integer) AS day,
                starts_at,
                CASE WHEN row_number() OVER (PARTITION BY factory, camera, date ORDER BY starts_at, key) = 1
                    THEN least(starts_at, CAST(date AS timestamp)) ELSE starts_at END AS span_from,
                coalesce(lead(starts_at) OVER (PARTITION BY factory, camera, date ORDER BY starts_at, key),
                    date_add('day', 1, CAST(date AS timestamp))) AS span_until,
                last_value(CASE WHEN is_clip THEN starts_at END) IGNORE NULLS OVER (
                    PARTITION BY factory, camera, date ORDER BY starts_at, key
                    ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
                ) AS clip_from,
                last_value(CASE WHEN is_clip THEN ends_at END) IGNORE NULLS OVER (
                    PARTITION BY factory, camera, date ORDER BY starts_at, key
                    ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
                ) AS clip_until,
                last_value(CASE WHEN is_clip THEN key END) IGNORE NULLS OVER (
                    PARTITION BY factory, camera, date ORDER BY starts_at, key
                    ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
                ) AS clip_key,
                last_value(CASE WHEN is_loss THEN ends_at END) IGNORE NULLS OVER (
                    PARTITION BY factory, camera, date ORDER BY starts_at, key
                    ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
                ) AS gap_until,
                last_value(CASE WHEN is_loss THEN key END) IGNORE NULLS OVER (
                    PARTITION BY factory, camera, date ORDER BY starts_at, key
                    ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
                ) AS gap_key,
                last_value(CASE WHEN is_loss THEN flags END) IGNORE NULLS OVER (
                    PARTITION BY factory, camera, date ORDER BY starts_at, key
                    ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
                ) AS gap_reason
            FROM (
                SELECT
                    factory,
                    camera,
                    date,
                    key,
                    flags,
                    kind = 'clip' AS is_clip,
                    kind = 'gap' AND lost_ms > 0 AS is_loss,
                    CASE WHEN kind = 'clip' THEN coalesce(producer_started_at, started_at)
                        ELSE date_add('millisecond', -coalesce(lost_ms, 0), ended_at) END AS starts_at,
                    CASE WHEN kind = 'clip' THEN date_add(
                        'millisecond',
                        coalesce(nullif(duration_ms, 0), date_diff('millisecond', started_at, ended_at)),
                        coalesce(producer_started_at, started_at)
                    ) ELSE ended_at END AS ends_at
                FROM (
                    -- Of each date the rows of its own day, of the day before and of the day after.
                    SELECT
                        factory, camera, kind, started_at, ended_at, producer_started_at, duration_ms, flags, lost_ms, key,
                        CAST(date_add('day', -1, ${date}) AS date) AS date
                    FROM ${clips}
                    UNION ALL
                    SELECT
                        factory, camera, kind, started_at, ended_at, producer_started_at, duration_ms, flags, lost_ms, key,
                        ${date} AS date
                    FROM ${clips}
                    UNION ALL
                    SELECT
                        factory, camera, kind, started_at, ended_at, producer_started_at, duration_ms, flags, lost_ms, key,
                        CAST(date_add('day', 1, ${date}) AS date) AS date
                    FROM ${clips}
                )
            )
            WHERE starts_at IS NOT NULL
                AND camera <> 'canary'
        ) AS spans
        CROSS JOIN UNNEST(sequence(
            greatest(0, least(1439, date_diff('minute', CAST(spans.date AS timestamp), spans.span_from))),
            greatest(0, least(1439, date_diff('minute', CAST(spans.date AS timestamp), spans.span_until)))
        )) AS minutes (minute)
    ) AS footage
        ON footage.factory = samples.factory
        AND footage.date = samples.date
        AND footage.year = samples.year
        AND footage.month = samples.month
        AND footage.day = samples.day
        AND footage.minute = 60 * hour(samples.ts) + minute(samples.ts)
        AND footage.span_from <= samples.ts
        AND footage.span_until > samples.ts
)
