"""Config, selection and history -> Plan."""
