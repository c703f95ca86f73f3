-- Events of an id, and those of others that name it, oldest first.
SELECT sequence, night, kind, subject_id, related_id, field, cause, cause_detail, records FROM logged
WHERE subject_id = $id OR related_id = $id
ORDER BY sequence, night, subject_id <> $id, kind, subject_id, related_id, cause, cause_detail, field;
