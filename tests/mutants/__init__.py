"""Mutants of a stack's policies: is each that changes an access found by the check?"""
