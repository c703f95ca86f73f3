-- The history of the release before and tonight's events behind it. A night published again continues its first release, whose
-- events stand here already, and adds only what differs from it: nothing is logged twice.
CREATE OR REPLACE TEMP VIEW history AS
SELECT * FROM previous_history
UNION ALL BY NAME
SELECT (SELECT coalesce(max(sequence), 0) + 1 FROM previous_history) AS sequence, * FROM events;
