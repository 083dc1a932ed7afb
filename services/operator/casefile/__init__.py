"""Case files and directory files: YAML that is checked whole before anything is played."""
