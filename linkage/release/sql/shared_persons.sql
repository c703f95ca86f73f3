-- Whom departments may see: everybody whose processing is not restricted.
CREATE OR REPLACE TEMP VIEW shared_persons AS SELECT * FROM persons ANTI JOIN restricted USING (person_id);
