"""The other course of events: asked of the referral service's own program, and shown."""
