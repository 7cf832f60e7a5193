"""The company's own services, asked and told by their APIs: error trackers, Zabbix."""
