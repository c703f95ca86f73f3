SELECT * FROM register.households WHERE household_id = $id;
