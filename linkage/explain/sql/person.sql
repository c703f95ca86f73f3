SELECT * FROM register.persons WHERE person_id = $id;
