-- Which value of a field that changes held on $day, as far as the newest release knows: the golden one if any department had seen it by then (or
-- nobody says when), else the latest losing value seen by then, else none.
CREATE OR REPLACE TEMP TABLE held_values AS
SELECT person_id, field,
       coalesce(bool_or(wins AND (observed_on IS NULL OR observed_on <= $day)), false) AS golden,
       arg_max(value, (observed_on, value)) FILTER (NOT wins AND observed_on <= $day) AS older
FROM (SELECT *, won OR reason = 'same_as_winner' AS wins FROM newest_values)
WHERE field IN ('phone', 'hukou_address', 'residence_address', 'marital_status', 'education', 'tenure')
GROUP BY person_id, field;
