-- Each record's person.
CREATE OR REPLACE TEMP TABLE person_nodes AS
SELECT n.*, k.person_id, k.is_new FROM clustered_nodes n JOIN cluster_ids k USING (cluster);
