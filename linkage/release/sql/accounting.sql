-- Every file of the night as it ended: what a gate set aside counts as rejected. A line holds either tonight's rows or
-- records carried over; of the latter no row was delivered tonight, so what was set aside only leaves the count.
CREATE OR REPLACE TEMP TABLE accounting AS
SELECT a.* REPLACE (
    CASE WHEN a.carried_rows > 0 THEN a.accepted_rows ELSE a.accepted_rows - coalesce(s.n, 0) END AS accepted_rows,
    CASE WHEN a.carried_rows > 0 THEN a.rejected_rows ELSE a.rejected_rows + coalesce(s.n, 0) END AS rejected_rows,
    CASE WHEN a.carried_rows > 0 THEN a.carried_rows - coalesce(s.n, 0) ELSE 0 END AS carried_rows)
FROM file_accounting a LEFT JOIN (SELECT file, count(DISTINCT row_number) AS n FROM set_aside GROUP BY file) s USING (file);
