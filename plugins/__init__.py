"""Plug-in service providers, one folder each, behind one door: `app.sdk`."""
