-- A table without the repeats of at-least-once delivery: each message once, as it first arrived
--
-- A row repeats another when both are equal in every column but the time of arrival. Firehose delivers a row again as it is;
-- a gateway that publishes a message again (MQTT's QoS 1) makes a row that arrived later. Two rows that differ in anything
-- else are two messages, also when they are of one register at one moment: no delivery makes these of one.
-- A condition on any column but the time of arrival is one on a grouped column, so Athena applies it before it groups, and
-- reads only the partitions that it leaves.
-- What `factory-lake canary` left is none of the plant's and not shown.
-- Terraform fills in the table and, by its schema file, its columns: those it shows and those it groups by; and how the
-- canary's rows are told, in tables that have some.
SELECT
    ${columns}
FROM ${table}${unless_canary}
GROUP BY
    ${identity}
