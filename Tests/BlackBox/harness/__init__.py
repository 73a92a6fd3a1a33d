"""What the black-box tests stand on: the running program, a backend, clients, the contract."""
