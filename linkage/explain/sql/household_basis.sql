SELECT basis FROM household_links WHERE household_id = $id;
