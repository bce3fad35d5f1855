export {
	AdminCreateUserCommand,
	CognitoIdentityProviderClient,
	ListUserPoolsCommand,
	ListUsersCommand,
} from '@aws-sdk/client-cognito-identity-provider';
