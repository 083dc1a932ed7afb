"""Use cases of the referral service: one a file. They order steps; the domain decides."""
