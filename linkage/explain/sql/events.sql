-- Events of an id, and those of others that name it, oldest first; what has one cause stands together.
SELECT sequence, night, kind, subject_id, related_id, field, cause, cause_detail, records FROM history
WHERE subject_id = $id OR related_id = $id
ORDER BY sequence, night, cause, cause_detail, records,
         list_position(['appeared', 'revived', 'split_from', 'merged_into', 'ended', 'member_joined', 'member_left', 'head_changed', 'field_changed'], kind),
         subject_id <> $id, subject_id, related_id, field;
