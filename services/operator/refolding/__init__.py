"""Has the services' own programs fold their events anew, and says what came of it."""
