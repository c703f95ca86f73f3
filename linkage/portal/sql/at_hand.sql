-- Everything about the records reached. Of pairs those between two of them: a pair that leads out is too weak to join anything.
CREATE TABLE memory.main.scored_pairs_at_hand AS
SELECT * FROM scored_pairs WHERE record_key_l IN (SELECT record_key FROM reached) AND record_key_r IN (SELECT record_key FROM reached);
CREATE TABLE memory.main.crosswalk_at_hand AS SELECT * FROM crosswalk WHERE source || ':' || record_id IN (SELECT record_key FROM reached);
CREATE TABLE memory.main.former_records_at_hand AS SELECT * FROM former_records WHERE record_key IN (SELECT record_key FROM reached);
CREATE TABLE memory.main.common_records_at_hand AS
SELECT * FROM common_records WHERE record_key IN (SELECT record_key FROM reached) ORDER BY record_key;
