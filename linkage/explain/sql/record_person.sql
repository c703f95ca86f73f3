SELECT person_id FROM register.crosswalk WHERE source = $source AND record_id = $record_id;
