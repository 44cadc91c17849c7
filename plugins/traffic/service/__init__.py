"""What can be done with vehicles, violations, defences and fines."""

from plugins.traffic.service.personal_data import erase_citizen, export_citizen

__all__ = ["erase_citizen", "export_citizen"]
