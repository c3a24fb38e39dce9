-- Counts the samples of each factory.
SELECT factory, count(*) AS samples FROM measurements GROUP BY factory
