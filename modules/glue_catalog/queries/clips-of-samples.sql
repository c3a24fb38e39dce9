-- Samples with what each camera saw when they were taken: the clip and the place in it, or the gap there, newest first
--
-- offset_seconds is where in the clip's file the sample's ts is, by the camera's own clock, taken for the gateway's. gap_reason
-- says why there is no footage where some was lost; all of it is NULL where the camera was silent or its footage is not
-- archived yet. camera is NULL in a factory without clips. clip_key is what factory-lake camera frames takes. Times are UTC.
-- Scans the days from yesterday on, all columns, and of clips the day before as well. To read less: name a factory.
SELECT
    device_name,
    tag_name,
    ts,
    value,
    value_text,
    success,
    camera,
    offset_seconds,
    clip_key,
    gap_reason,
    factory,
    gateway,
    device_id,
    register_id
FROM moments
WHERE factory LIKE '%' -- or one factory: 'krakow'
    AND tag_name LIKE '%' -- or one tag: 'oil_temperature'
    AND date >= CAST(date_add('day', -1, current_date) AS date) -- days back
ORDER BY ts DESC, factory, camera, device_name, tag_name, device_id, register_id, gateway, received_at, value, success
