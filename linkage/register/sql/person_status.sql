-- Alive, deceased, moved away or unknown, with the date of the evidence. $death_certain, $moved_away_feeds: feeds from config/survivorship.yaml.
-- Each record says one thing: that the person died, left, is here, or lives (registered, but the visitor met nobody). A record about
-- an ended affair, such as a file that another department closed, says nothing.
CREATE OR REPLACE TEMP TABLE status_evidence AS
SELECT person_id, source, record_id, feed, observed_on, coalesce(ended_on, observed_on) AS said_on,
       CASE WHEN person_status = 'deceased' THEN 'died'
            WHEN feed IN (SELECT unnest($moved_away_feeds)) AND (ended_on <= $night OR person_status IN ('moved_out', 'cancelled')) THEN 'left'
            WHEN coalesce(person_status, 'alive') <> 'alive' THEN 'nothing'
            WHEN presence = 'hukou_without_presence' THEN 'lives'
            ELSE 'here' END AS says
FROM person_records;

-- A death is believed from certain feeds, from others unless somebody met the person later. Who left and was seen later, or is
-- registered all the same, is here; a departure without any date gives way to whoever was seen. Nobody says that a person lives: unknown.
CREATE OR REPLACE TEMP TABLE person_status AS
WITH evidence AS (
    SELECT person_id,
           bool_or(says = 'died' AND feed IN (SELECT unnest($death_certain))) AS death_certain,
           bool_or(says = 'died') AS died,
           min(said_on) FILTER (says = 'died') AS died_on,
           max(observed_on) FILTER (says = 'died') AS death_seen,
           max(observed_on) FILTER (says IN ('here', 'lives')) AS alive_seen,
           bool_or(says IN ('here', 'lives')) AS lives,
           bool_or(says = 'left') AS left_once,
           max(said_on) FILTER (says = 'left') AS left_on,
           bool_or(says IN ('here', 'lives') AND feed IN (SELECT unnest($moved_away_feeds))) AS registered,
           max(observed_on) FILTER (says = 'here') AS here_seen
    FROM status_evidence GROUP BY person_id
), decided AS (
    SELECT *, CASE WHEN death_certain OR (died AND coalesce(alive_seen <= death_seen, true)) THEN 'deceased'
                   WHEN left_once AND NOT registered AND NOT coalesce(here_seen > left_on, here_seen IS NOT NULL) THEN 'moved_away'
                   WHEN lives THEN 'alive'
                   ELSE 'unknown' END AS status
    FROM evidence
)
SELECT person_id, status, CASE status WHEN 'deceased' THEN died_on WHEN 'moved_away' THEN left_on END AS status_on FROM decided;
