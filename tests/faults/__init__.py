"""The service while something breaks: nothing acknowledged is lost, nothing is done twice."""
