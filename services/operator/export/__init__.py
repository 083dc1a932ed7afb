"""A part of the audit trail as a folder for an inspector, who verifies it without any of us."""
