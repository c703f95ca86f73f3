-- Alive, deceased or moved away, with the date of the evidence. $death_certain, $moved_away_feeds: feeds from config/survivorship.yaml.
CREATE OR REPLACE TEMP TABLE person_status AS
WITH evidence AS (
    SELECT person_id,
           bool_or(person_status = 'deceased' AND feed IN (SELECT unnest($death_certain))) AS death_certain,
           bool_or(person_status = 'deceased') AS death_said,
           min(coalesce(ended_on, observed_on)) FILTER (person_status = 'deceased') AS death_on,
           max(observed_on) FILTER (person_status = 'deceased') AS death_seen,
           max(observed_on) FILTER (coalesce(person_status, 'alive') <> 'deceased') AS alive_seen,
           bool_or(feed IN (SELECT unnest($moved_away_feeds)) AND (ended_on <= $night OR person_status IN ('moved_out', 'cancelled'))) AS went_away,
           max(ended_on) FILTER (ended_on <= $night) AS went_on,
           bool_or(feed IN (SELECT unnest($moved_away_feeds)) AND ended_on IS NULL AND coalesce(person_status, 'alive') = 'alive') AS registered,
           max(observed_on) FILTER (feed NOT IN (SELECT unnest($moved_away_feeds)) AND coalesce(person_status, 'alive') = 'alive') AS seen_elsewhere
    FROM person_records GROUP BY person_id
)
SELECT person_id,
       CASE WHEN death_certain OR (death_said AND coalesce(alive_seen <= death_seen, true)) THEN 'deceased'
            WHEN went_away AND NOT registered AND coalesce(seen_elsewhere <= went_on, true) THEN 'moved_away'
            ELSE 'alive' END AS status,
       CASE WHEN death_certain OR (death_said AND coalesce(alive_seen <= death_seen, true)) THEN death_on
            WHEN went_away AND NOT registered AND coalesce(seen_elsewhere <= went_on, true) THEN went_on END AS status_on
FROM evidence;
