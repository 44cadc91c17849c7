"""Hosts plug-ins without ever naming one."""
