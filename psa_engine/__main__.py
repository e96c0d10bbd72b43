from psa_engine.cli import main

main()
