"""The parts of Scripts/generate-contract.py."""
