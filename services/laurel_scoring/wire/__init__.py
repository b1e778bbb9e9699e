"""Messages of the contracts to values of the domain and back; pure."""
