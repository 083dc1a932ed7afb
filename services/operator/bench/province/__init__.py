"""The mixed load of a province: what is known of it, the courses that patients take, who sends what when."""
