"""Watch streams of resources: a first picture from the database, then each change as it is published."""
