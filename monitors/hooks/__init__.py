"""Endpoints that other programs call: their secrets (services), what they receive (calls, payloads, spool)."""
