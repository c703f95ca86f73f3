-- What the whole night shares, as one row that a view can join.
CREATE OR REPLACE TEMP TABLE night_parameters AS
SELECT CAST($night AS DATE) AS night, CAST($registration_sources AS VARCHAR[]) AS registration_sources;
