"""The pages for shoppers. All of them work without JavaScript."""
